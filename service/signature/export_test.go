package signature

// Digest is the hash of a string to sign, for strings that Sign would not make.
var Digest = digest
