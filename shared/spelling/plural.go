package spelling

// Plural returns the noun after a number of things: the singular after 1, else the plural with an s.
func Plural[N int | int64](n N, thing string) string {
	if n == 1 {
		return thing
	}
	return thing + "s"
}
