// Package jsontext finds values in JSON text without decoding the text. It finds the end of a value that arrives in
// pieces, and the parts of a valid value. In addition to RFC 8259, it accepts NaN and Infinity, which some programs
// write for a missing number.
package jsontext
