"""CSV: a person's export from an ATS that has no adapter. Reading only; erasing is by hand."""
