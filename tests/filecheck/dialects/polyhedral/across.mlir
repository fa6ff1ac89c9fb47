// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s
// RUN: cm-opt %s -p polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore | cm-opt | filecheck %s --check-prefix=CORE

// CHECK: polyhedral.array @h : tensor<4xf32> initial @h0{{$}}
// CHECK: %p = polyhedral.read @h #polyhedral.map<"{ [s[i = 0] -> lane[c]] -> h[m = -1, c] : 0 <= c <= 2 }"> across pad 1.000000e+00 : vector<4xf32>
// CORE: %p = cmcore.load %h at #polyhedral.map<"{ [s[i = 0] -> lane[c]] -> h[m = -1, c] : 0 <= c <= 2 }"> across pad 1.000000e+00 : vector<4xf32>
polyhedral.pipeline @main () -> (@h) {
  polyhedral.array @h0 parameter "h0" : tensor<1x4xf32>
  polyhedral.array @h : tensor<4xf32> initial @h0
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : i = 0 }"> {
    %p = polyhedral.read @h #polyhedral.map<"{ [s[i] -> lane[c]] -> h[m = -1, c] : i = 0 and 0 <= c < 3 }"> across pad 1.0 : vector<4xf32>
    polyhedral.write %p, @h #polyhedral.map<"{ [s[i] -> lane[c]] -> h[c] : i = 0 and 0 <= c < 4 }"> : vector<4xf32>
  }
}
