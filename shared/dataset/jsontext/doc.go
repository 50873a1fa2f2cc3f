// Package jsontext finds values in JSON text without decoding it: where one ends that comes in pieces, and what a valid
// one holds. It reads what people's files hold next to what RFC 8259 allows: NaN and Infinity for a missing number.
package jsontext
