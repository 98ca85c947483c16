"""The classifiers, one file each; `audiotl_cli.classify.registry` finds them."""
