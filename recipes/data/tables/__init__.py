"""Tables of any source: their columns, what each holds, and the matrix made of them."""
