"""Charts of the page as inline SVG, drawn by small functions: their colours are those of the style sheet."""
