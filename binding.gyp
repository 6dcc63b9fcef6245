# The ordinary build: what `npm ci` runs. Sources, defines and flags come from native/sources.json, which
# native/CMakeLists.txt reads too, so that the two builds cannot drift.
{
  "targets": [{
    "target_name": "dvr_native",
    "sources": ["<!@(node -p \"const s=require('./native/sources.json');[...s.core,...s.addon].map(f=>'native/'+f).join(' ')\")"],
    "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
    "defines": ["<!@(node -p \"require('./native/sources.json').defines.join(' ')\")"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["<!@(node -p \"require('./native/sources.json').cxxflags.join(' ')\")"],
    "ldflags": ["-pthread"],
    "conditions": [
      ["target_arch=='x64'", {"cflags_cc": ["-march=x86-64-v2"]}]
    ]
  }]
}
