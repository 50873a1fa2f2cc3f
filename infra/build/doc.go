// Package build holds the tests of what only the cloud runs: cloudbuild.yaml and the images. They
// check as much of both as a machine without Docker can.
package build
