"""The template's resources, made here: expand, resolve, order, create. Strict: what is not understood is refused."""
