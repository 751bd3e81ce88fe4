"""Files of usage: read as a stream, put through the same door as events over HTTP."""
