package selection

import "testing"

func FuzzParseCap(f *testing.F) {
	for _, text := range []string{"10%", "0.1", "3", "1.0", "0", "-1", "1/3", "5-tokens", "½"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		limit, err := ParseCap(text)
		if err != nil {
			if !limit.IsZero() {
				t.Errorf("%q gives %v and the error %v", text, limit, err)
			}
			return
		}
		if again, err := ParseCap(limit.String()); err != nil || again != limit {
			t.Errorf("%q is written as %q, which reads as %v %v", text, limit, again, err)
		}
		if limit.of(1000) < 1 {
			t.Errorf("%q bounds a source to %d", text, limit.of(1000))
		}
	})
}
