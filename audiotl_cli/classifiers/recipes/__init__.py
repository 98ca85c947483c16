"""The classifiers, one file each; `audiotl_cli.classifiers.registry` finds them."""
