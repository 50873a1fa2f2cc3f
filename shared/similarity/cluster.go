package similarity

import "slices"

// maxLeaders is the largest number of clusters with the same images that a sample is compared with.
const maxLeaders = 64

// A Clusterer finds the near duplicates of a pool: samples with nearly equal images, in the same order, and nearly
// equal texts. Samples without images are near duplicates only if all their questions are equal, because nearly equal
// questions may come from one template. A sample without images and words has no near duplicates.
//
// A cluster consists of its leader, the first of its samples, and of samples that are near to the leader. A sample that
// is near to another member but not to the leader is in another cluster. So a chain of small differences cannot join
// very different samples. Time is linear in the number of samples, except for the index of the different images.
type Clusterer struct {
	images  *numbers[string] // the different images, by the hash of their bytes
	looks   []Image          // the summary of each different image
	samples []clustered
	of      []uint32 // the numbers of the images of all samples
}

// A clustered has the parts of a sample that are compared.
type clustered struct {
	end   int // the end of the sample's images in Clusterer.of
	words Signature
	all   uint64 // a hash of its questions
}

// NewClusterer returns a Clusterer without samples.
func NewClusterer() *Clusterer { return &Clusterer{images: newNumbers[string]()} }

// Add adds a sample.
func (c *Clusterer) Add(sample Content) {
	for k, hash := range sample.Hashes {
		i := c.images.number(hash)
		if int(i) == len(c.looks) {
			c.looks = append(c.looks, sample.Images[k])
		}
		c.of = append(c.of, i)
	}
	all := uint64(0)
	for _, q := range sample.Questions {
		all = mix(all ^ q)
	}
	c.samples = append(c.samples, clustered{len(c.of), sample.Words, all})
}

// Leaders returns, for each sample in the order of Add, the number of its cluster's leader. Samples are numbered from
// 0. A sample that leads a cluster, or is in no cluster, has its own number.
func (c *Clusterer) Leaders() []uint32 {
	groups := leaders(c.looks)
	clusters := make([]uint32, len(c.samples))
	led := map[uint64][]uint32{} // the leaders of clusters, by a hash of their images
	start := 0
	for i, sample := range c.samples {
		clusters[i] = uint32(i)
		own := c.of[start:sample.end]
		start = sample.end
		if len(own) == 0 && sample.words.IsZero() {
			continue // the sample has nothing to compare, for example because it was not scored
		}
		key := uint64(len(own))
		for _, image := range own {
			key = mix(key ^ uint64(groups[image]+1))
		}
		if len(own) == 0 {
			key = mix(sample.all)
		}
		at := slices.IndexFunc(led[key], func(leader uint32) bool {
			other := &c.samples[leader]
			return sample.all == other.all || len(own) > 0 && sample.words.Within(other.words, TextMost)
		})
		if at >= 0 {
			clusters[i] = led[key][at]
		} else if len(led[key]) < maxLeaders {
			led[key] = append(led[key], uint32(i))
		}
	}
	return clusters
}

// leaders returns the leader of each image. It is the nearest earlier image that is its own leader or, if no such image
// is near, the image itself.
func leaders(all []Image) []uint32 {
	x := newImages(all)
	of := make([]uint32, len(all))
	for i, img := range all {
		of[i] = uint32(i)
		best := Bits
		x.near(img, func(j uint32, distance int) {
			if int(j) < i && of[j] == j && (distance < best || distance == best && j < of[i]) {
				best, of[i] = distance, j
			}
		})
	}
	return of
}
