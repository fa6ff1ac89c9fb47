"""Models of analog crossbars: what a product gives on devices and converters, instead of the exact result."""
