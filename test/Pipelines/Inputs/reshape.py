# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gives the array of a file another shape: reshape.py FILE SIZE..."""

import sys

import numpy as np

np.save(sys.argv[1], np.load(sys.argv[1]).reshape([int(n) for n in sys.argv[2:]]))
