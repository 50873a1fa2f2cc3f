package spelling

import "testing"

func TestShown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"chart-0001": "chart-0001", "a b": "a b", "数据": "数据", "": "",
		"a\nb": `"a\nb"`, "\x1b[2J": `"\x1b[2J"`, `say "a"`: `"say \"a\""`, "\u202e": `"\u202e"`,
	} {
		if got := Shown(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}
