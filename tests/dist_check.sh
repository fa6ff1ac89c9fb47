#!/bin/sh
# A package that `python -m build` has made, installed into an empty environment and tried out there.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$1"
cd "$place"  # where no source of ours is found
PATH="$place/venv/bin:$PATH"
python -c 'from importlib.resources import files; assert files("cmir").joinpath("py.typed").is_file()'
cm-translate --import-onnx "$root/examples/digits/digits.onnx" -o digits.mlir
cm-opt digits.mlir --weights digits.safetensors -p nn-to-cmcore -o digits.cmcore.mlir
cm-run digits.cmcore.mlir --weights digits.safetensors --random 0 -n 3 --quiet --report report
grep -q 'id="run"' report/index.html
cm-run "$root/tests/filecheck/textbook.mlir" --random 0 -n 3 --check | grep 'check: equal to NumPy'
cm-sweep "$root/tests/filecheck/textbook.mlir" --set core.count=2 -o rows.csv
python "$root/tests/readme_lines.py"
python - "$root/examples/digits" <<'EOF'
import sys
import numpy as np
import cmir

digits = sys.argv[1]
images = np.load(f"{digits}/samples.npz")["images"][:3, None]
net = cmir.compile(f"{digits}/digits.onnx", hardware="hermes", storage="lossless", replicate=True)
run = net.run(images)
print(run.output.argmax(axis=-1)[:, 0], run.cycles, run.latency, run.interval, run.energy)
net.save("digits.cmir")
assert (cmir.load("digits.cmir").run(images).output == run.output).all() and run.report("page").exists()
assert len(cmir.sweep(f"{digits}/digits.onnx", "hermes", {"core.count": [8, 64]}, executor=2)) == 2
EOF
xdsl-opt --help | grep -q nn-outline-stages
echo "$(basename "$1"): works"
