// Package identifiers keeps direct identifiers out of what events say. The
// handling policy lets pass data that cannot identify the individual person;
// an e-mail address in a page title can, whatever was consented to.
//
// [MaskText] and [MaskURL] replace what they find by a typed mark such as
// [email] and count it. [AnonymiseURL] and [ReferrerOrigin] reduce the
// addresses of anonymised events; [IdentifierLike] judges one path segment.
//
// # How
//
// Most strings hold nothing, so one pass over the bytes ([suspect]) settles
// them without allocating. The others are folded: percent encoding of any
// depth, \u escapes, full-width forms, other dashes and spaces and invisible
// characters become the ASCII they stand for, each byte remembering where it
// came from. The matchers, one a file, read the folded text; what they find is
// replaced in the original. Work is linear in the length of the text.
//
// # What is a direct identifier
//
//   - A domestic telephone number is recognised in its Japanese and North
//     American forms; any other is when it is written with its + or follows
//     a word such as tel. Company numbers are not told from personal ones.
//   - Twelve digits are a My Number by their check digit, which one in eleven
//     other numbers has too, unless they read as a date and time or follow a
//     word such as order or tracking. The 13-digit corporate number is public
//     and passes.
//   - Four small numbers after a word such as version are a version; any other
//     four are an IPv4 address, a loopback one too.
//   - A dashed UUID is the name of a thing, not a secret, and passes, and so
//     does a revision's hash after /commit/ and the like, and one of a digest's
//     length that is a whole segment of a path after /articles/ and the like.
//     Otherwise 32 or more unbroken hexadecimal digits are a secret: they are
//     session keys and hashed addresses more often than anything else.
//   - Decimal digits of all scripts are digits. Groups of a telephone or card
//     number may be separated by slashes or 、 too, but then only the Japanese
//     forms are known, so that dates, prices and paths of numbers stay; digits
//     may stand apart one by one.
//   - The values of parameters such as gclid and fbclid (see [namesClickID]) are
//     advertisement identifiers, which the policy handles by its own rules: [Addresses]
//     says whether they pass. Those by which another site or a newsletter hands on
//     whose visit it is, such as _ga, _gl and mc_eid, never pass.
//   - The value of a parameter named as a password, or as a token or key when
//     it looks like one, is a secret however short.
//   - The host of an address is the site's, not the user's. But an IP address in it goes,
//     also one written with hyphens as in the names of lines, and so do tokens and
//     numbers, unless the origin is the site's own. User and password before it go.
//     AnonymiseURL and ReferrerOrigin give up an address whose host is an IP
//     address of another machine.
//   - An e-mail address is one, too, when its at sign or dots are words in brackets, as
//     in taro(at)example(dot)com, and in base64, alone or amid other text. Of the
//     latter all letters and digits around it go: an address of six characters and
//     more is found by where its at sign is.
//
// Names, postal addresses, addresses disguised without brackets ("taro at example dot
// com", "taro @ example.com"), numbers in Chinese digits or in base64, and other
// encodings are beyond this package.
//
// Precision and recall are measured on testdata/corpus.jsonl:
//
//	go test -v -run 'TestCorpus|TestGenerated' ./enforcer/identifiers
package identifiers
