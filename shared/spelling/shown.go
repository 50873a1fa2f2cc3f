package spelling

import "strconv"

// Shown is a name, as of a sample or a file, as a line of a message may hold it: one with line breaks or other odd
// characters is quoted.
func Shown(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
