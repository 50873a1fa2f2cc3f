// Package cost holds the arithmetic of what the system costs in the cloud: list prices and figures, and a test that
// computes the tables of infra/README.md from them.
package cost
