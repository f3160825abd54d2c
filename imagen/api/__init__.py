"""The REST interface: validate, call one verb of the pipeline, present."""
