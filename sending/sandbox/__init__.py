"""The closed room in which letter templates run: values in, text out, every step and character counted."""
