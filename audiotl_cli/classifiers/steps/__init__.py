"""What may happen to features before the classifier, one file each."""
