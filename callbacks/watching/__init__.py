"""What several callbacks share: the hook into the compiled step, the probe of activations, the record of both."""
