package embedded

// gridSide bounds the points that an image is looked at: gridSide x gridSide at most, evenly spread.
const gridSide = 128

const (
	flatStep  = 3   // luma steps below this are no structure; JPEG leaves 1-2 in plain areas
	inkStep   = 60  // luma steps from this on are strokes of writing or drawing, rare in photographs
	lightLuma = 224 // paper
	vividSpan = 64  // spread of the channels from which on a pixel has a colour of its own
	softStep  = 24  // luma steps below this are texture, not outlines
	edgeStep  = 30  // luma steps from this on are outlines
	darkLuma  = 40
	greySpan  = 16 // spread of the channels below which a pixel has no colour
)

// imageStats are what one image looks like: shares in [0, 1] over a grid of its points, unless said otherwise.
type imageStats struct {
	Flat     float64 // points equal to their right and lower neighbour: drawn, not photographed
	Ink      float64 // points with a hard step to a neighbour: strokes
	Light    float64 // near-white points: paper
	Vivid    float64 // points with a colour of their own
	Dominant float64 // points of the most frequent colour: a background

	Dark      float64 // near-black points
	Grey      float64 // points without any colour
	Texture   float64 // points with a soft step to a neighbour: surfaces in photographs
	Mean      float64 // mean brightness
	Contrast  float64 // standard deviation of brightness, 1 is half black, half white
	Colourful float64 // the measure of Hasler and Suesstrunk (2003), saturating
	Few       float64 // points of the eight most frequent colours
	Colours   float64 // number of colours, on a logarithmic scale
	Skin      float64 // points of the hue of skin, wood and sand
	Green     float64 // points of the hue of leaves
	Blue      float64 // points of the hue of sky and water
	Lines     float64 // rows whose ink is much denser or thinner than the mean: lines of writing
	Bars      float64 // the same of columns
	Ruled     float64 // rows and columns that are a straight edge over most of their length: tables, axes, windows
	Spread    float64 // cells of 8 x 8 that hold ink
	Frame     float64 // border points of the most frequent colour
	Across    float64 // share of the hard steps that go sideways: upright strokes
	Wide      float64 // aspect: 0 upright, 0.5 square, 1 wide
	Large     float64 // pixels, on a logarithmic scale
}

// values are the picture's numbers in the order of its fields.
func (p *imageStats) values() []float64 {
	return []float64{
		p.Flat, p.Ink, p.Light, p.Vivid, p.Dominant, p.Dark, p.Grey, p.Texture, p.Mean, p.Contrast, p.Colourful, p.Few,
		p.Colours, p.Skin, p.Green, p.Blue, p.Lines, p.Bars, p.Ruled, p.Spread, p.Frame, p.Across, p.Wide, p.Large,
	}
}

// meanStats is the mean over pictures; all zero of none.
func meanStats(pictures []imageStats) *imageStats {
	if len(pictures) == 1 {
		return &pictures[0]
	}
	mean := &imageStats{}
	for i := range pictures {
		p, n := &pictures[i], float64(len(pictures))
		mean.Flat += p.Flat / n
		mean.Ink += p.Ink / n
		mean.Light += p.Light / n
		mean.Vivid += p.Vivid / n
		mean.Dominant += p.Dominant / n
		mean.Dark += p.Dark / n
		mean.Grey += p.Grey / n
		mean.Texture += p.Texture / n
		mean.Mean += p.Mean / n
		mean.Contrast += p.Contrast / n
		mean.Colourful += p.Colourful / n
		mean.Few += p.Few / n
		mean.Colours += p.Colours / n
		mean.Skin += p.Skin / n
		mean.Green += p.Green / n
		mean.Blue += p.Blue / n
		mean.Lines += p.Lines / n
		mean.Bars += p.Bars / n
		mean.Ruled += p.Ruled / n
		mean.Spread += p.Spread / n
		mean.Frame += p.Frame / n
		mean.Across += p.Across / n
		mean.Wide += p.Wide / n
		mean.Large += p.Large / n
	}
	return mean
}

// The likenesses below are in [0, 1]. Their bounds lie between the means of photographs, scans,
// charts and drawings in public datasets.

// photo is high where no colour and no plain area prevails.
func (p *imageStats) photo() float64 {
	// rounded, so that no machine fuses it into the callers' sums
	return float64((1 - ramp(p.Dominant, 0.25, 0.5)) * (1 - ramp(p.Flat, 0.8, 0.95)))
}

// page is high where strokes are dense on a plain background.
func (p *imageStats) page() float64 { return (1 - p.photo()) * ramp(p.Ink, 0.03, 0.15) }

// drawing is high where sparse strokes without colour stand on a plain background.
func (p *imageStats) drawing() float64 {
	return (1 - p.photo()) * (1 - ramp(p.Vivid, 0, 0.04)) * (1 - ramp(p.Ink, 0.06, 0.15))
}

// chart is high where paper carries both colours and writing.
func (p *imageStats) chart() float64 {
	return (1 - p.photo()) * ramp(p.Light, 0.3, 0.7) * ramp(p.Vivid, 0.02, 0.1) * ramp(p.Ink, 0.005, 0.03)
}

// ramp rises from 0 at low to 1 at high.
func ramp(x, low, high float64) float64 { return min(1, max(0, (x-low)/(high-low))) }

func distance(a, b int) int { return max(a-b, b-a) }
