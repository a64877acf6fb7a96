"""What functions and containers share: object URIs, slicing, plans, manifests, errors and the book's formats."""
