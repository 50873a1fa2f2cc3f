package local

// StrictCompose is exported for tests that start the test double of Cloud Storage themselves.
var StrictCompose = strictCompose
