"""What the recipes know of Keras beyond its documented interface: private names in one file, and facts about layers."""
