// Pictures of a run: what cannot be drawn is refused before anything runs.

// RUN: cm-run %s --random 0 -n 2 --trace %t.json --quiet && filecheck %s --check-prefix=TRACE --input-file %t.json
// RUN: cm-run %s --random 0 -n 3 --quiet --timeline | filecheck %s --check-prefix=TIMELINE
// RUN: cm-run %s --random 0 -n 3 --quiet --plot %t.svg && filecheck %s --check-prefix=PLOT --input-file %t.svg
// RUN: cm-run %s --timing-only --quiet --report %t.report && filecheck %s --check-prefix=REPORT --input-file %t.report/index.html
// RUN: not cm-run %s --random 0 --report %s --quiet 2>&1 | filecheck %s --check-prefix=FOLDER
// RUN: not cm-run %s --random 0 --plot %t.gif 2>&1 | filecheck %s --check-prefix=SUFFIX
// RUN: not cm-run %s --random 0 --accuracy %t.npy --accuracy-plot %t.gif 2>&1 | filecheck %s --check-prefix=SUFFIX
// RUN: not cm-run %s --buffer-curve --timeline 2>&1 | filecheck %s --check-prefix=CURVE

// TRACE: "name":"process_name","ts":0,"args":{"name":"cores of ideal"}
// TRACE: {"ph":"X","pid":1,"tid":4,"cat":"stall","name":"waits for data","ts":0,"dur":3,"args":{"array":"b","source":"conv1"}},
// TRACE-NEXT: {"ph":"X","pid":1,"tid":4,"cat":"firing","name":"inference 0","ts":3,"dur":6,"args":{"inference":0,"first":0,"last":5}},
// TRACE: {"ph":"C","pid":2,"tid":2,"name":"b at conv2","ts":3,"args":{"elements":3}},

// TIMELINE: core   0         10        20
// TIMELINE-NEXT: conv1  000000001111111122222222
// TIMELINE-NEXT: conv2  ---000000--111111--222222

// PLOT: time (cycles)
// PLOT: conv1
// PLOT: conv2
// PLOT: fires (even inferences)
// PLOT: waits for data

// REPORT: <title>pictures</title>
// REPORT: {"hardware":"ideal",

// FOLDER: pictures.mlir: error: --report needs a folder, and this is a file
// SUFFIX: gif: error: plots are .svg, .png, .pdf files
// CURVE: error: --buffer-curve runs nothing: there is no --timeline

func.func @main(%a: tensor<1x10xf32>) -> tensor<1x6xf32> {
  %w1 = nn.parameter dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %w2 = nn.parameter dense<[[[1.0, 0.0, -1.0]]]> : tensor<1x1x3xf32>
  %b = nn.conv %a, %w1 : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %c = nn.conv %b, %w2 : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x6xf32>
  func.return %c : tensor<1x6xf32>
}
