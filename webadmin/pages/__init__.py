"""One module per noun: its view models and the handlers that show them."""
