package schemas

import "strconv"

// MaxRecipients is the most recipients that a policy can name.
const MaxRecipients = 16

// Grant is what one recipient may have of a record.
type Grant struct {
	Recipient  string
	Categories Categories
	// Flags are the vendors' own flags of the verdict, and the purposes that were
	// refused to this recipient alone; none for the store.
	Flags GrantFlags
	// Own are identifiers as they came, which the policy lets this recipient,
	// and no other by this grant, have so: of a user, sealed for it. They are always of a field of the
	// grant's categories that the record has.
	Own []OwnIdentifier
}

// GrantFlags are the flags that a vendor is told, and the purposes for which it may
// not process though they are granted, one bit each. Their bits are in Kafka records
// and never change.
type GrantFlags uint8

// The flags.
const (
	// AdUserData is Google's ad_user_data: user data may be used for advertising.
	AdUserData GrantFlags = 1 << iota
	// AdPersonalisation is Google's ad_personalization.
	AdPersonalisation
	// LimitedDataUse is Meta's: to be processed for as little as possible.
	LimitedDataUse
	// TrackingPermitted: the phone says that its user lets apps track: ATT is
	// authorized, or limit-ad-tracking is off.
	TrackingPermitted

	vendorFlags  = 1<<iota - 1
	refusedShift = 3 // of purposes, of which the first, necessary, is never refused
	allFlags     = vendorFlags | GrantFlags(OptionalPurposes)<<refusedShift
)

// RefusedTo are the flags of optional purposes that an IAB signal refuses to the
// recipient's vendor.
func RefusedTo(p Purposes) GrantFlags { return GrantFlags(p&OptionalPurposes) << refusedShift }

// Refused returns the purposes that are refused to the recipient alone.
func (f GrantFlags) Refused() Purposes { return Purposes(f&allFlags>>refusedShift) & OptionalPurposes }

// Vendor returns the vendors' own flags.
func (f GrantFlags) Vendor() GrantFlags { return f & vendorFlags }

// Has reports whether all the given flags are set.
func (f GrantFlags) Has(flags GrantFlags) bool { return f&flags == flags }

// OwnIdentifier is an identifier as it came, in its normal form. One of
// [Identifiers] is sealed, so that only who has the recipient's keys can read it.
type OwnIdentifier struct {
	Field Field
	Text  string
}

// OwnIdentifiers are the fields that a policy can let a recipient have as they
// came: those that vendors made, and the numbers of an event and of an order,
// by which a vendor tells what it has heard of already. What the site itself
// calls its visitors is never among them, nor a click identifier, since nothing
// tells whose it is.
var OwnIdentifiers = SetOf(ID, AppInstanceID, GA, FBP, FBC, IDFA, GAID, OrderID)

// OwnText returns the identifier as it came, sealed if it is a user's, where the recipient may have it. A
// nil grant has none.
func (g *Grant) OwnText(f Field) (text string, ok bool) {
	if g == nil {
		return "", false
	}
	for i := range g.Own {
		if g.Own[i].Field == f {
			return g.Own[i].Text, true
		}
	}
	return "", false
}

// Grant returns what the recipient may have of the record, nil for nothing.
func (r *Record) Grant(recipient string) *Grant {
	for i := range r.Grants {
		if r.Grants[i].Recipient == recipient {
			return &r.Grants[i]
		}
	}
	return nil
}

// For returns the fields that the recipient may have, and whether the record
// is for it at all.
func (r *Record) For(recipient string) (FieldSet, Categories, bool) {
	g := r.Grant(recipient)
	if g == nil {
		return 0, 0, false
	}
	return r.Event.Fields & (FieldsIn(g.Categories) | envelope), g.Categories, true
}

// envelope are the fields without which a record is none: they go wherever
// the record goes.
var envelope = SetOf(ID, Type, Site, Time)

// appendGrants appends the members of a record that say who may have what.
func appendGrants(b []byte, grants []Grant) []byte {
	b = append(b, `"grants":{`...)
	for i := range grants {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, grants[i].Recipient)
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(grants[i].Categories), 10)
	}
	b = append(b, '}')
	separator := `,"flags":{`
	for i := range grants {
		if g := &grants[i]; g.Flags != 0 {
			b = strconv.AppendUint(appendKey(b, separator, g.Recipient), uint64(g.Flags), 10)
			separator = ","
		}
	}
	if separator == "," {
		b = append(b, '}')
	}
	separator = `,"own":{`
	for i := range grants {
		if g := &grants[i]; len(g.Own) > 0 {
			b = append(appendKey(b, separator, g.Recipient), '{')
			for j := range g.Own {
				if j > 0 {
					b = append(b, ',')
				}
				b = appendString(appendKey(b, "", g.Own[j].Field.String()), g.Own[j].Text)
			}
			b = append(b, '}')
			separator = ","
		}
	}
	if separator == "," {
		b = append(b, '}')
	}
	return b
}

// appendKey appends a separator, and a name as the key of a member of an object.
func appendKey(b []byte, separator, name string) []byte {
	return append(appendString(append(b, separator...), name), ':')
}
