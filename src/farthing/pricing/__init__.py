"""What is charged: values in, values out; no clock, no input or output, standard library only."""
