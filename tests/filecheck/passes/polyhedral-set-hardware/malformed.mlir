// RUN: cm-opt %s --verify-diagnostics -p polyhedral-assign-storage

// expected-error @below {{`core.count` must be an integer >= 1, got 0}}
polyhedral.pipeline @main (@a) -> (@b) attributes {cmir.hardware = {core = {count = 0 : i64}}} {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.stage @copy (%i) domain #polyhedral.set<"{ copy[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [copy[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [copy[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
  }
}
