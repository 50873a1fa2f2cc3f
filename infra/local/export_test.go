package local

// StrictCompose is for tests that start the double themselves.
var StrictCompose = strictCompose
