"""What tells people about a run: its page and its model card, made from the files of the run folder alone."""
