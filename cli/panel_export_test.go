package cli

// ConfigFingerprint lets tests compare what replicas tell of their settings and keys.
var ConfigFingerprint = configFingerprint
