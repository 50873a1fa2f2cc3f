package spelling

import "strconv"

// Shown returns the name of a sample or a file as messages show it, in one line. It quotes a name with line breaks or
// other unusual characters.
func Shown(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
