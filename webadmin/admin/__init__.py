"""The admin pages: one module per noun, as in webadmin.pages; `routes` is guarded as a whole."""
