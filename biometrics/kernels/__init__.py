"""What the networks' and the matchers' compiled code has in common.

`compiled` turns functions into machine code and keeps it, `lanes` is a vocabulary for vector arithmetic, `tiles` and
`packing` are products of bfloat16 matrices and the form in which they read weights, `bits` counts bits.
"""
