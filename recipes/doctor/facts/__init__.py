"""What the rules know of a training: the compiled model, the rows, the first step, the course, the trials."""
