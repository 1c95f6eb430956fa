"""The web pages: what staff see in a browser. Server-rendered, in Chinese, without a build step."""
