package cli

// Guarded is what every listener puts around its routes.
var Guarded = guarded
