"""What is in a data set: clips, their labels, and how they are split."""
