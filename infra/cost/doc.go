// Package cost computes the costs of the system in the cloud. It holds list prices and figures, and a test that
// computes the tables of infra/README.md and README.md from them.
package cost
