"""Work on a Dask cluster: reach it, check its workers, spread clips and fits over them."""
