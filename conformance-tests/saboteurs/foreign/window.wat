;; A component that offers operators as every plugin does, and asks for the environment of the user, as programs for WASI do.
;; `{version}` is the version of the interface as packages write it, `{draft}` as notes do.
(component
  ;; The fault.
  (import "wasi:cli/environment@0.2.6" (instance))

  (instance $operators)
  (export "parfocal:operator/operator@{version}" (instance $operators))

  ;; What every plugin says of itself.
  (core module
    (@custom "parfocal"
      "PARFOCAL-NOTE 1\nid org.parfocal.saboteurs\nversion 0.1.0\nlanguage wat\ninterface operator/{draft}\nend\n")))
