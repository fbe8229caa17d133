//go:build amd64 && !purego

#include "textflag.h"

// A character is one of the alphabet if the rows of its low nibble, rowsLow,
// and that of its high nibble, rowsHigh, have a bit in common:
//
//	bit 0  0x2_  -
//	bit 1  0x3_  0-9
//	bit 2  0x4_  A-O, and 0x6_  a-o
//	bit 3  0x5_  P-Z and _
//	bit 4  0x7_  p-z
//
// Shift is what to add, by high nibble, to have the value; index 13 is for _,
// which does not go with its row.

DATA rowsLow<>+0(SB)/8, $0x1E1E1E1E1E1E1E1A
DATA rowsLow<>+8(SB)/8, $0x0C040504041C1E1E
GLOBL rowsLow<>(SB), RODATA|NOPTR, $16

DATA rowsHigh<>+0(SB)/8, $0x1004080402010000
DATA rowsHigh<>+8(SB)/8, $0x0000000000000000
GLOBL rowsHigh<>(SB), RODATA|NOPTR, $16

DATA shift<>+0(SB)/8, $0xB9B9BFBF04110000
DATA shift<>+8(SB)/8, $0x0000E00000000000
GLOBL shift<>(SB), RODATA|NOPTR, $16

// Three bytes of each four, the highest first; the rest zeros.
DATA order<>+0(SB)/8, $0x090A040506000102
DATA order<>+8(SB)/8, $0x808080800C0D0E08
GLOBL order<>(SB), RODATA|NOPTR, $16

DATA nibble<>+0(SB)/4, $0x0F0F0F0F
GLOBL nibble<>(SB), RODATA|NOPTR, $4

DATA underscore<>+0(SB)/4, $0x5F5F5F5F
GLOBL underscore<>(SB), RODATA|NOPTR, $4

DATA eight<>+0(SB)/4, $0x08080808
GLOBL eight<>(SB), RODATA|NOPTR, $4

DATA pairs<>+0(SB)/4, $0x01400140
GLOBL pairs<>(SB), RODATA|NOPTR, $4

DATA quads<>+0(SB)/4, $0x00011000
GLOBL quads<>(SB), RODATA|NOPTR, $4

// func decodeAVX2(dst, src *byte, blocks int) bool
TEXT ·decodeAVX2(SB), NOSPLIT, $0-25
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	VPXOR Y4, Y4, Y4 // zero
	VPXOR Y5, Y5, Y5 // ones where a character was refused
	VPBROADCASTD nibble<>(SB), Y6
	VBROADCASTI128 rowsLow<>(SB), Y7
	VBROADCASTI128 rowsHigh<>(SB), Y8
	VBROADCASTI128 shift<>(SB), Y9
	VPBROADCASTD underscore<>(SB), Y10
	VPBROADCASTD eight<>(SB), Y11
	VPBROADCASTD pairs<>(SB), Y12
	VPBROADCASTD quads<>(SB), Y13
	VBROADCASTI128 order<>(SB), Y14

loop:
	VMOVDQU (SI), Y0
	VPSRLD  $4, Y0, Y1
	VPAND   Y6, Y1, Y1 // high nibbles
	VPAND   Y6, Y0, Y2 // low nibbles

	// Refuse what has no row in common.
	VPSHUFB  Y2, Y7, Y2
	VPSHUFB  Y1, Y8, Y3
	VPAND    Y3, Y2, Y2
	VPCMPEQB Y4, Y2, Y2
	VPOR     Y2, Y5, Y5

	// Characters to values.
	VPCMPEQB Y10, Y0, Y3
	VPAND    Y11, Y3, Y3
	VPOR     Y3, Y1, Y1
	VPSHUFB  Y1, Y9, Y1
	VPADDB   Y1, Y0, Y0

	// Four values to 24 bits, and those together.
	VPMADDUBSW   Y12, Y0, Y0
	VPMADDWD     Y13, Y0, Y0
	VPSHUFB      Y14, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VMOVDQU      X0, (DI)
	VMOVDQU      X1, 12(DI)

	ADDQ $32, SI
	ADDQ $24, DI
	DECQ CX
	JNZ  loop

	VPTEST Y5, Y5
	SETEQ  ret+24(FP)
	VZEROUPPER
	RET
