"""How recordings and their labels can be laid out, one file a layout; `registry` finds them."""
