package demosite

import "strconv"

// product is something that the shop sells: teas named after checkpoints of
// the old highways.
type product struct {
	Slug   string
	Name   string
	Kind   string
	Place  string // of the checkpoint
	Road   string // that it guarded
	Price  int    // yen
	Weight string
	Taste  string
	Brew   string
	Tin    string // colour of the tin
	Motif  string // name of the drawing on its label
}

// Yen returns the price for people: ¥1,280.
func (p product) Yen() string {
	digits := strconv.Itoa(p.Price)
	if len(digits) > 3 {
		digits = digits[:len(digits)-3] + "," + digits[len(digits)-3:]
	}
	return "¥" + digits
}

func catalogue() []product {
	return []product{
		{
			Slug: "hakone-sencha", Name: "Hakone Sencha", Kind: "Green tea, first harvest",
			Place: "Hakone", Road: "Tōkaidō", Price: 1280, Weight: "80 g", Tin: "#2f5d50", Motif: "mountain",
			Taste: "Bright and grassy, with the sweetness of the first leaves in May. The everyday tea of the house.",
			Brew:  "5 g to 200 ml at 70 °C, one minute.",
		},
		{
			Slug: "arai-gyokuro", Name: "Arai Gyokuro", Kind: "Shaded green tea",
			Place: "Arai", Road: "Tōkaidō", Price: 2400, Weight: "50 g", Tin: "#27436b", Motif: "waves",
			Taste: "Three weeks in the shade give it a broth-like depth. Small cups, slow afternoons.",
			Brew:  "6 g to 80 ml at 50 °C, two minutes.",
		},
		{
			Slug: "kiso-hojicha", Name: "Kiso Hōjicha", Kind: "Roasted tea",
			Place: "Kiso-Fukushima", Road: "Nakasendō", Price: 980, Weight: "100 g", Tin: "#7a4a2b", Motif: "cedars",
			Taste: "Roasted over charcoal until it smells of caramel and cedar. Kind to the evening.",
			Brew:  "5 g to 250 ml at the boil, thirty seconds.",
		},
		{
			Slug: "usui-genmaicha", Name: "Usui Genmaicha", Kind: "Green tea with roasted rice",
			Place: "Usui", Road: "Nakasendō", Price: 860, Weight: "100 g", Tin: "#7d7a3c", Motif: "pass",
			Taste: "Half leaf, half toasted rice: nutty, plain and filling, as travellers liked it.",
			Brew:  "5 g to 250 ml at 90 °C, thirty seconds.",
		},
		{
			Slug: "suzuka-kabusecha", Name: "Suzuka Kabusecha", Kind: "Half-shaded green tea",
			Place: "Suzuka", Road: "Tōkaidō", Price: 1640, Weight: "80 g", Tin: "#4d6a3a", Motif: "bell",
			Taste: "Between sencha and gyokuro: fresh on the nose, round in the cup.",
			Brew:  "5 g to 150 ml at 60 °C, ninety seconds.",
		},
		{
			Slug: "shirakawa-wakocha", Name: "Shirakawa Wakōcha", Kind: "Japanese black tea",
			Place: "Shirakawa", Road: "Ōshū Kaidō", Price: 1120, Weight: "60 g", Tin: "#8b3a2b", Motif: "moon",
			Taste: "A gentle black tea, low in tannin, with something of plum. Needs no milk.",
			Brew:  "3 g to 200 ml at 95 °C, two minutes.",
		},
	}
}
