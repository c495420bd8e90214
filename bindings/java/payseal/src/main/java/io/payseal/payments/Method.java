package io.payseal.payments;

/** How the payer pays, in the provider's word. */
public final class Method {
    /** WeChat Pay: a QR code. */
    public static final String NATIVE = "native";

    /** WeChat Pay: in a mini-program or a page inside WeChat; {@link Payer} has the openid. */
    public static final String JSAPI = "jsapi";

    /** WeChat Pay: from a phone's browser; {@link Payer} has its address. */
    public static final String H5 = "h5";

    /** WeChat Pay: the code that the shop scanned, in {@link Payer}. */
    public static final String CODEPAY = "codepay";

    /** WeChat Pay and Alipay: in an app. */
    public static final String APP = "app";

    /** Alipay: a QR code. */
    public static final String PRECREATE = "precreate";

    /** Alipay: a page for computers. */
    public static final String PAGE = "page";

    /** Alipay: a page for phones. */
    public static final String WAP = "wap";

    /** Alipay: in a mini-program; {@link Payer} has the buyer's id. */
    public static final String CREATE = "create";

    /** Alipay: the code that the shop scanned, in {@link Payer}. */
    public static final String PAY = "pay";

    private Method() {}
}
