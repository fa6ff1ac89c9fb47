// RUN: cm-opt %s -p 'polyhedral-schedule{stage=conv2 interchange=1,0}' | filecheck %s --check-prefix=INTERCHANGE
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=conv1 tile=4,4}' | filecheck %s --check-prefix=TILE
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=conv1 tile=0,4}' | filecheck %s --check-prefix=STRIP
// RUN: cm-opt %s -p 'polyhedral-schedule{reverse=1}' | filecheck %s --check-prefix=REVERSE
// RUN: cm-opt %s -p 'polyhedral-schedule{map="{ [h, w] -> skewed[h + w, h] }"}' | filecheck %s --check-prefix=TIMES
// RUN: cm-opt %s -p 'polyhedral-schedule{map="{ conv2[h, w] -> [w - h, h] }"}' | filecheck %s --check-prefix=ITERATIONS
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=conv1 interchange=1,0},polyhedral-schedule{stage=conv1 tile=2,3}' | filecheck %s --check-prefix=COMPOSED
// RUN: cm-opt %s -p 'polyhedral-schedule{interchange=1,0},polyhedral-schedule{interchange=1,0}' | filecheck %s --check-prefix=BACK

// Only the stage that is named; the other keeps its order.
// INTERCHANGE: polyhedral.stage @conv1
// INTERCHANGE-NOT: schedule
// INTERCHANGE: polyhedral.stage @conv2
// INTERCHANGE-SAME: schedule #polyhedral.map<"{ conv2[h, w] -> [w, h] }">

// TILE: @conv1
// TILE-SAME: schedule #polyhedral.map<"{ conv1[h, w] -> [o0, o1, h, w] : -3 + h <= 4o0 <= h and -3 + w <= 4o1 <= w }">
// STRIP: @conv1
// STRIP-SAME: schedule #polyhedral.map<"{ conv1[h, w] -> [o0, h, w] : -3 + w <= 4o0 <= w }">

// Without a name, all stages that have the dimensions. Times keep their bounds.
// REVERSE: @conv1
// REVERSE-SAME: schedule #polyhedral.map<"{ conv1[h, w] -> [h, 7 - w] }">
// REVERSE: @conv2
// REVERSE-SAME: schedule #polyhedral.map<"{ conv2[h, w] -> [h, 5 - w] }">
// REVERSE: @mean
// REVERSE-NOT: schedule

// TIMES: schedule #polyhedral.map<"{ conv1[h, w] -> [h + w, h] }">
// TIMES: schedule #polyhedral.map<"{ conv2[h, w] -> [h + w, h] }">

// ITERATIONS: @conv1
// ITERATIONS-NOT: schedule
// ITERATIONS: @conv2
// ITERATIONS-SAME: schedule #polyhedral.map<"{ conv2[h, w] -> [-h + w, h] }">

// COMPOSED: schedule #polyhedral.map<"{ conv1[h, w] -> [o0, o1, w, h] : -1 + w <= 2o0 <= w and -2 + h <= 3o1 <= h }">

// BACK-NOT: schedule

polyhedral.pipeline @main (@a) -> (@d) {
  polyhedral.array @a : tensor<8x8xf32>
  polyhedral.array @b : tensor<8x8xf32>
  polyhedral.array @c : tensor<6x6xf32>
  polyhedral.array @d : tensor<1xf32>
  polyhedral.stage @conv1 (%h, %w) domain #polyhedral.set<"{ conv1[h, w] : 0 <= h < 8 and 0 <= w < 8 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [conv1[h, w] -> lane[l]] -> a[h, w] : 0 <= h < 8 and 0 <= w < 8 and l = 0 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [conv1[h, w] -> lane[l]] -> b[h, w] : 0 <= h < 8 and 0 <= w < 8 and l = 0 }"> : vector<1xf32>
  }
  polyhedral.stage @conv2 (%h, %w) domain #polyhedral.set<"{ conv2[h, w] : 0 <= h < 6 and 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [conv2[h, w] -> lane[l]] -> b[h + l, w + l] : 0 <= h < 6 and 0 <= w < 6 and 0 <= l < 3 }"> : vector<3xf32>
    %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [conv2[h, w] -> lane[]] -> c[h, w] : 0 <= h < 6 and 0 <= w < 6 }"> : vector<f32>
  }
  polyhedral.stage @mean () domain #polyhedral.set<"{ mean[] }"> {
    %x = polyhedral.read @c #polyhedral.map<"{ [mean[] -> lane[h, w]] -> c[h, w] : 0 <= h < 6 and 0 <= w < 6 }"> : vector<6x6xf32>
    %y = cmcore.reduce add %x along [0, 1] : vector<6x6xf32> -> vector<f32>
    polyhedral.write %y, @d #polyhedral.map<"{ [mean[] -> lane[]] -> d[0] }"> : vector<f32>
  }
}
